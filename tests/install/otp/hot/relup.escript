#!/usr/bin/env escript
%% relup.escript NAME OLD NEW: the relup of two releases, into the folder of the new one.
main([Name, Old, New]) ->
    Rel = fun(Folder) -> filename:rootname(hd(filelib:wildcard(Folder ++ "/releases/*/" ++ Name ++ ".rel"))) end,
    Paths = filelib:wildcard(Old ++ "/lib/*/ebin") ++ filelib:wildcard(New ++ "/lib/*/ebin"),
    Options = [{path, Paths}, {outdir, filename:dirname(Rel(New))}, silent],
    {ok, _, _, _} = systools:make_relup(Rel(New), [Rel(Old)], [Rel(Old)], Options).
