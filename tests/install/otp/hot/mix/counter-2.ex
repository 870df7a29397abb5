defimpl Grebe.Said, for: Integer do
  def said(_), do: "integer"
end

defmodule Grebe.Counter do
  use GenServer

  def start_link(_), do: GenServer.start_link(__MODULE__, {0, :fresh}, name: __MODULE__)
  def ask, do: GenServer.call(__MODULE__, :ask)

  def init(state), do: {:ok, state}

  def handle_call(:ask, _, {count, from}) do
    said = "two #{count + 1} #{Application.get_env(:grebe, :greeting)}, #{Grebe.Said.said(count)} #{from}"
    {:reply, said, {count + 1, from}}
  end

  def code_change({:down, _}, {count, _}, _), do: {:ok, count}
  def code_change(_, count, _), do: {:ok, {count, :upgraded}}
end
