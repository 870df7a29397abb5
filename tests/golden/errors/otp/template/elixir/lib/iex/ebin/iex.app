{application, iex, [{vsn, "1.14.0"}, {modules, []}, {applications, [kernel, stdlib]}]}.
