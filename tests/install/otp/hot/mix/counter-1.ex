defmodule Grebe.Counter do
  use GenServer

  def start_link(_), do: GenServer.start_link(__MODULE__, 0, name: __MODULE__)
  def ask, do: GenServer.call(__MODULE__, :ask)

  def init(count), do: {:ok, count}

  def handle_call(:ask, _, count) do
    said = "one #{count + 1} #{Application.get_env(:grebe, :greeting)}, #{Grebe.Said.said(count)}"
    {:reply, said, count + 1}
  end

  def code_change({:down, _}, {count, _}, _), do: {:ok, count}
  def code_change(_, count, _), do: {:ok, count}
end
