defmodule Heron.MixProject do
  use Mix.Project

  def project do
    [
      app: :heron,
      version: "1.4.0",
      description: "Watches the water",
      elixir: "~> 1.9",
      start_permanent: Mix.env() == :prod,
      deps: deps()
    ]
  end

  def application do
    [extra_applications: [:logger], mod: {Heron.Application, []}]
  end

  defp deps do
    [
      {:plug_cowboy, "~> 2.0"},
      {:distillery, "~> 2.1", runtime: false}
    ]
  end
end
