-module(plover_app).
-behaviour(application).
-behaviour(supervisor).
-export([start/2, stop/1, init/1]).

start(_, _) -> supervisor:start_link({local, plover_sup}, ?MODULE, []).
stop(_) -> ok.

init([]) ->
    Child = fun(Name) -> #{id => Name, start => {Name, start_link, []}, modules => [Name]} end,
    {ok, {#{}, [Child(plover), Child(plover_line)]}}.
