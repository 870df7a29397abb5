%% Tells whoever connects what it is.
-module(tern).
-behaviour(application).
-behaviour(supervisor).
-export([start/2, stop/1, init/1, line/0]).

start(_, _) -> supervisor:start_link(?MODULE, []).

stop(_) -> io:format("tern ends~n").

init([]) -> {ok, {#{}, [#{id => line, start => {proc_lib, start_link, [?MODULE, line, []]}}]}}.

line() ->
    {ok, Port} = application:get_env(tern, port),
    {ok, Socket} = gen_tcp:listen(Port, [binary, {active, false}, {reuseaddr, true}, {ip, {127, 0, 0, 1}}]),
    proc_lib:init_ack({ok, self()}),
    io:format("tern listens on ~p~n", [Port]),
    accept(Socket).

accept(Socket) ->
    {ok, Peer} = gen_tcp:accept(Socket),
    {ok, Greeting} = application:get_env(tern, greeting),
    gen_tcp:send(Peer, io_lib:format("tern as ~s: ~s~n", [node(), Greeting])),
    gen_tcp:close(Peer),
    accept(Socket).
