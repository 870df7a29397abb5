defmodule HelloOtp.Application do
  @moduledoc "Supervises the listener."
  use Application

  @impl true
  def start(_type, _args) do
    children = [{HelloOtp.Listener, Application.get_all_env(:hello_otp)}]
    Supervisor.start_link(children, strategy: :one_for_one, name: HelloOtp.Supervisor)
  end
end
