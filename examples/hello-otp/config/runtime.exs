import Config

{:ok, address} =
  System.get_env("HELLO_ADDRESS", "127.0.0.1") |> String.to_charlist() |> :inet.parse_address()

config :hello_otp,
  port: String.to_integer(System.get_env("HELLO_PORT", "4190")),
  address: address,
  greeting: System.get_env("HELLO_GREETING", "hello"),
  count: System.get_env("HELLO_COUNT")
