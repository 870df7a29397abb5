defmodule Heron.MixProject do
  use Mix.Project

  def project do
    [
      app: :heron,
      version: String.trim(File.read!("VERSION")),
      start_permanent: true,
      deps: [],
      releases: [
        heron_line: [include_executables_for: [:unix], applications: [heron: :permanent]],
        heron_bare: [include_executables_for: [:unix], applications: [heron: :permanent], include_erts: false]
      ]
    ]
  end

  def application, do: [extra_applications: [:logger], mod: {Heron, []}]
end
