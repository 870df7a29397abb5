defmodule Fitout.MixProject do
  use Mix.Project

  def project do
    [
      app: :fitout,
      version: "0.1.0",
      elixir: "~> 1.14",
      description:
        "A release step that makes deb, rpm, tarball, zip and OCI image of a Mix release",
      package: [licenses: ["Apache-2.0"], files: ~w(lib mix.exs README.md .formatter.exs)],
      start_permanent: Mix.env() == :prod,
      deps: []
    ]
  end

  # The step calls functions of Mix and starts nothing.
  def application, do: []
end
