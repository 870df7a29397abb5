defmodule Gannet.Beak do
  @moduledoc "Native code within the runtime."
  @on_load :load

  def load, do: :erlang.load_nif(String.to_charlist(Path.join(:code.priv_dir(:gannet), "beak")), 0)
  def add(_, _), do: :erlang.nif_error(:not_loaded)
end

defmodule Gannet do
  @moduledoc "Tells whoever connects what native code has found out: within the runtime, beside it, and of OpenSSL."
  use Application

  def start(_type, _arguments) do
    port = String.to_integer(System.fetch_env!("GANNET_PORT"))
    {:ok, socket} = :gen_tcp.listen(port, [:binary, active: false, reuseaddr: true, ip: {127, 0, 0, 1}])
    IO.puts("gannet listens on #{port}")
    Supervisor.start_link([{Task, fn -> accept(socket) end}], strategy: :one_for_one)
  end

  def stop(_), do: IO.puts("gannet ends")

  defp accept(socket) do
    {:ok, peer} = :gen_tcp.accept(socket)
    <<digest::binary-size(4), _::binary>> = :crypto.hash(:sha256, "gannet")
    text = "gannet as #{node()}: #{Gannet.Beak.add(40, 2)} #{echo("so")} #{Base.encode16(digest)}\n"
    :gen_tcp.send(peer, text)
    :gen_tcp.close(peer)
    accept(socket)
  end

  defp echo(word) do
    program = Path.join(:code.priv_dir(:gannet), "echo")
    port = Port.open({:spawn_executable, program}, [:binary, line: 80])
    Port.command(port, word <> "\n")

    receive do
      {^port, {:data, {:eol, line}}} ->
        Port.close(port)
        line
    end
  end
end
