defmodule HelloOtp.Listener do
  @moduledoc "Answers each TCP connection with one line."
  use GenServer

  def start_link(options), do: GenServer.start_link(__MODULE__, options, name: __MODULE__)

  @impl true
  def init(options) do
    {:ok, socket} =
      :gen_tcp.listen(options[:port], [
        :binary,
        active: false,
        reuseaddr: true,
        ip: options[:address]
      ])

    IO.puts("hello_otp #{version()} listens on port #{options[:port]}")
    greeting = options[:greeting]
    spawn_link(fn -> accept(socket, greeting) end)
    {:ok, socket}
  end

  defp accept(socket, greeting) do
    with {:ok, client} <- :gen_tcp.accept(socket) do
      :gen_tcp.send(client, "#{greeting} from #{version()}\n")
      :gen_tcp.close(client)
    end

    accept(socket, greeting)
  end

  defp version, do: Application.spec(:hello_otp, :vsn)
end
