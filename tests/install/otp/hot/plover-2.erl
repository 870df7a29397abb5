-module(plover).
-behaviour(gen_server).
-export([start_link/0, ask/0, init/1, handle_call/3, handle_cast/2, code_change/3]).

start_link() -> gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).
ask() -> gen_server:call(?MODULE, ask).

init([]) -> {ok, {state, 0, fresh}}.

handle_call(ask, _, {state, Count, From}) ->
    {ok, Greeting} = application:get_env(plover, greeting),
    {reply, io_lib:format("two ~b ~s ~s~n", [Count + 1, Greeting, From]), {state, Count + 1, From}}.

handle_cast(_, State) -> {noreply, State}.

code_change({down, _}, {state, Count, _}, _) -> {ok, Count};
code_change(_, Count, _) -> {ok, {state, Count, upgraded}}.
