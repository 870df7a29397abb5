import Config
config :grebe, greeting: System.get_env("GREBE_GREETING", "none") <> " of VERSION"
