# Import all plugins from `rel/plugins`
~w(rel plugins *.exs)
|> Path.join()
|> Path.wildcard()
|> Enum.map(&Code.eval_file(&1))

use Distillery.Releases.Config,
  # This sets the default release built by `mix distillery.release`
  default_release: :heron,
  default_environment: Mix.env()

environment :dev do
  set dev_mode: true
  set include_erts: false
  set cookie: :"dev cookie"
end

environment :staging do
  set include_erts: true
  set cookie: :"b*Fq3"
end

environment :prod do
  set include_erts: true
  set include_src: false
  set cookie: :crypto.hash(:sha256, System.get_env("COOKIE")) |> Base.encode16() |> String.to_atom()
  set vm_args: "rel/vm.args"
  set pre_start_hooks: "rel/hooks/pre_start"
  set post_upgrade_hooks: "rel/hooks/post_upgrade"
  set config_providers: [
    {Distillery.Releases.Config.Providers.Elixir, ["${RELEASE_ROOT_DIR}/etc/config.exs"]}
  ]
  set overlays: [
    {:mkdir, "etc"},
    {:copy, "rel/config/config.exs", "etc/config.exs"},
    {:template, "rel/config/motd.eex", "etc/motd"},
    {:link, "rel/config/plain.txt", "share/<%= release_name %>.txt"},
    {:copy, "rel/config/gone.txt", "etc/gone.txt"},
    {:copy, "rel/config/plain.txt", "../outside"}
  ]
  if System.get_env("PLUGINS") do
    plugin Releases.Extra
  end
end

release :heron_admin do
  set version: "0.9.0"
  set applications: [:runtime_tools, heron: :temporary]
  set include_erts: false
end

release :heron do
  set version: current_version(:heron)
  set applications: [:runtime_tools]
  plugin Releases.Plugin, verbose: true
  set commands: [
    migrate: "rel/commands/migrate.sh",
    seed: "rel/commands/seed.sh",
    status: "rel/commands/migrate.sh"
  ]
  set run_erl_env: "RUN_ERL_LOG_MAXSIZE=1000000"
end
