defmodule HelloOtp.Listener do
  @moduledoc """
  Answers each TCP connection with one line. It counts its greetings in the file `count`, if there is one.
  """
  use GenServer

  def start_link(options), do: GenServer.start_link(__MODULE__, options, name: __MODULE__)

  @impl true
  def init(options) do
    # So that terminate/2 is called when the node stops.
    Process.flag(:trap_exit, true)

    {:ok, socket} =
      :gen_tcp.listen(options[:port], [
        :binary,
        active: false,
        reuseaddr: true,
        ip: options[:address]
      ])

    IO.puts("hello_otp #{version()} listens on port #{options[:port]}")
    spawn_link(fn -> accept(socket, options[:greeting], options[:count]) end)
    {:ok, socket}
  end

  @impl true
  def handle_info({:EXIT, _acceptor, reason}, socket), do: {:stop, reason, socket}

  @impl true
  def terminate(_reason, _socket), do: IO.puts("hello_otp #{version()} stops")

  defp accept(socket, greeting, count) do
    with {:ok, client} <- :gen_tcp.accept(socket) do
      :gen_tcp.send(client, "#{greeting} from #{version()}#{number(count)}\n")
      :gen_tcp.close(client)
    end

    accept(socket, greeting, count)
  end

  defp number(nil), do: ""
  defp number(file), do: ", greeting #{one_more(file)}"

  # Counts up in a file, which is never half written.
  defp one_more(file) do
    before =
      with {:ok, text} <- File.read(file), {number, _} <- Integer.parse(text) do
        number
      else
        _ -> 0
      end

    File.write!(file <> ".new", "#{before + 1}\n")
    File.rename!(file <> ".new", file)
    before + 1
  end

  defp version, do: Application.spec(:hello_otp, :vsn)
end
