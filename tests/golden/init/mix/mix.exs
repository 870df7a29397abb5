defmodule Egret.Umbrella.MixProject do
  use Mix.Project

  @cookie "WGhtc2tZ"

  def project do
    [
      apps_path: "apps",
      version: "2.0.0",
      default_release: :egret_jobs,
      releases: releases()
    ]
  end

  defp releases do
    [
      egret_web: [
        version: {:from_app, :egret_web},
        applications: [egret_web: :permanent, runtime_tools: :permanent],
        include_executables_for: [:unix],
        cookie: @cookie,
        steps: [:assemble, &Egret.Release.copy_extra/1, :tar],
        config_providers: [{Config.Reader, "/etc/egret-web/config.exs"}, {Egret.Vault, []}],
        strip_beams: [keep: ["Docs"]]
      ],
      egret_jobs: [
        applications: [egret_jobs: :permanent],
        include_erts: false,
        overlays: ["rel/jobs"]
      ],
      egret_edge: [path: "out/edge", applications: [egret_edge: :permanent]],
      egret_odd: [path: System.get_env("OUT", "out/odd")] ++ common()
    ]
  end
end
