%% Answers each line of a connection with what the counter says: the connection outlives the upgrade.
-module(plover_line).
-export([start_link/0, init/0, serve/1]).

start_link() -> {ok, proc_lib:spawn_link(?MODULE, init, [])}.

init() ->
    {ok, Port} = application:get_env(plover, port),
    {ok, Listener} = gen_tcp:listen(Port, [binary, {packet, line}, {active, false}, {reuseaddr, true}, {ip, {127, 0, 0, 1}}]),
    accept(Listener).

accept(Listener) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    Server = spawn(fun() -> receive go -> ?MODULE:serve(Socket) end end),
    ok = gen_tcp:controlling_process(Socket, Server),
    Server ! go,
    accept(Listener).

serve(Socket) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, _} ->
            ok = gen_tcp:send(Socket, plover:ask()),
            serve(Socket);
        _ -> ok
    end.
