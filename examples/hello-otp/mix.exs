defmodule HelloOtp.MixProject do
  use Mix.Project

  def project do
    [
      app: :hello_otp,
      version: "0.3.1",
      elixir: "~> 1.14",
      start_permanent: Mix.env() == :prod,
      deps: [],
      releases: [
        hello_otp: [
          include_executables_for: [:unix],
          # Debian's own runtime is used where the package is installed: see fitout.toml.
          include_erts: true
        ]
      ]
    ]
  end

  def application do
    [extra_applications: [:logger], mod: {HelloOtp.Application, []}]
  end
end
