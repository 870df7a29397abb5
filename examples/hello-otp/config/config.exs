import Config

config :hello_otp, port: 4190, address: {127, 0, 0, 1}, greeting: "hello"
