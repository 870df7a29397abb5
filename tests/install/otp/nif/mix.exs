defmodule Mix.Tasks.Compile.Natives do
  @moduledoc "A library that the runtime loads, and a program that it talks to."
  use Mix.Task.Compiler

  def run(_) do
    priv = Path.join(Mix.Project.app_path(), "priv")
    File.mkdir_p!(priv)
    headers = Path.join(:code.root_dir(), "usr/include")
    cc(["-shared", "-fPIC", "-I", headers, "-o", Path.join(priv, "beak.so"), "native/beak.c"])
    cc(["-o", Path.join(priv, "echo"), "native/echo.c"])
    :ok
  end

  defp cc(arguments) do
    {said, code} = System.cmd("cc", ["-O2" | arguments], stderr_to_stdout: true)
    code == 0 || Mix.raise(said)
  end
end

defmodule Gannet.MixProject do
  use Mix.Project

  def project do
    [
      app: :gannet,
      version: "1.2.0",
      compilers: Mix.compilers() ++ [:natives],
      start_permanent: true,
      deps: [],
      releases: [gannet: [include_executables_for: [:unix]]]
    ]
  end

  def application, do: [extra_applications: [:logger, :crypto, :ssl], mod: {Gannet, []}]
end
