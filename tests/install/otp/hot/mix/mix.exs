defmodule Grebe.MixProject do
  use Mix.Project

  def project do
    [
      app: :grebe,
      version: String.trim(File.read!("VERSION")),
      deps: [],
      consolidate_protocols: true,
      releases: [grebe: [include_executables_for: [:unix]]]
    ]
  end

  def application, do: [extra_applications: [:logger], mod: {Grebe, []}]
end
