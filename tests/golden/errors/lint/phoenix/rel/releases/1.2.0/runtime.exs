import Config

if System.get_env("PHX_SERVER") do
  config :heron, HeronWeb.Endpoint, server: true
end
