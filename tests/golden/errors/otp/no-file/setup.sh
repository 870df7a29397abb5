# A boot file with the least that every one has.
mkdir -p erlang/bin
printf '\203h\003w\006scripth\002k\000\003OTPk\000\00226l\000\000\000\003h\002w\011preLoadedl\000\000\000\001w\004initjh\002w\010primLoadl\000\000\000\001w\006kerneljh\003w\015kernelProcessw\026application_controllerh\003w\026application_controllerw\005startl\000\000\000\001h\003w\013applicationw\006kernell\000\000\000\011h\002w\013descriptionjh\002w\003vsnk\000\0039.0h\002w\007modulesjh\002w\012registeredjh\002w\014applicationsjh\002w\025included_applicationsjh\002w\003envjh\002w\004maxTw\010infinityh\002w\004maxPw\010infinityjjj' >erlang/bin/start_clean.boot
mkfifo _build/prod/lib/hello/priv/pipe
