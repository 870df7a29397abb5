defmodule Heron do
  @moduledoc "Tells whoever connects what it is, and how often it has told that on this host."
  use Application

  def start(_type, _arguments) do
    Supervisor.start_link([Heron.Line], strategy: :one_for_one)
  end
end

defmodule Heron.Line do
  @moduledoc false
  use GenServer

  def start_link(_), do: GenServer.start_link(__MODULE__, [], name: __MODULE__)

  def init(_) do
    Process.flag(:trap_exit, true)
    port = Application.fetch_env!(:heron, :port)
    options = [:binary, active: false, reuseaddr: true, ip: {127, 0, 0, 1}]
    {:ok, socket} = :gen_tcp.listen(port, options)
    IO.puts("heron listens on #{port}")
    parent = self()
    spawn_link(fn -> accept(socket, parent) end)
    {:ok, socket}
  end

  def handle_call(:told, _, socket) do
    file = Path.join(System.get_env("HOME", "/tmp"), "told")
    told = case File.read(file) do
      {:ok, text} -> String.to_integer(text) + 1
      _ -> 1
    end
    File.write(file, "#{told}")
    {:reply, told, socket}
  end

  def terminate(reason, _), do: IO.puts("heron ends: #{inspect(reason)}")

  defp accept(socket, parent) do
    {:ok, peer} = :gen_tcp.accept(socket)
    told = GenServer.call(parent, :told)
    version = Application.spec(:heron, :vsn)
    greeting = Application.fetch_env!(:heron, :greeting)
    :gen_tcp.send(peer, "heron #{version} as #{node()}: #{greeting}, #{told}\n")
    :gen_tcp.close(peer)
    accept(socket, parent)
  end
end
