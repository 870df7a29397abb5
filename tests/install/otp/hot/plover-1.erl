-module(plover).
-behaviour(gen_server).
-export([start_link/0, ask/0, init/1, handle_call/3, handle_cast/2, code_change/3]).

start_link() -> gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).
ask() -> gen_server:call(?MODULE, ask).

init([]) -> {ok, 0}.

handle_call(ask, _, Count) ->
    {ok, Greeting} = application:get_env(plover, greeting),
    {reply, io_lib:format("one ~b ~s~n", [Count + 1, Greeting]), Count + 1}.

handle_cast(_, Count) -> {noreply, Count}.

code_change({down, _}, {state, Count, _}, _) -> {ok, Count};
code_change(_, Count, _) -> {ok, Count}.
