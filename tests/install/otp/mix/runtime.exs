import Config

config :heron,
  port: String.to_integer(System.get_env("HERON_PORT", "4201")),
  greeting: System.get_env("HERON_GREETING", "nothing said") <> " by " <> System.fetch_env!("RELEASE_NAME")
