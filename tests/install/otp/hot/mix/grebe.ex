defprotocol Grebe.Said do
  @fallback_to_any true
  def said(what)
end

defimpl Grebe.Said, for: Any do
  def said(_), do: "any"
end

defmodule Grebe do
  use Application

  def start(_, _), do: Supervisor.start_link([Grebe.Counter, Grebe.Line], strategy: :one_for_one)
end

defmodule Grebe.Line do
  # Answers each line of a connection.
  use Task

  def start_link(_), do: Task.start_link(__MODULE__, :run, [])

  def run do
    {:ok, listener} = :gen_tcp.listen(4208, [:binary, packet: :line, active: false, reuseaddr: true, ip: {127, 0, 0, 1}])
    accept(listener)
  end

  defp accept(listener) do
    {:ok, socket} = :gen_tcp.accept(listener)
    server = spawn(fn -> receive do: (:go -> serve(socket)) end)
    :ok = :gen_tcp.controlling_process(socket, server)
    send(server, :go)
    accept(listener)
  end

  def serve(socket) do
    case :gen_tcp.recv(socket, 0) do
      {:ok, _} ->
        :ok = :gen_tcp.send(socket, Grebe.Counter.ask() <> "\n")
        __MODULE__.serve(socket)

      _ ->
        :ok
    end
  end
end
