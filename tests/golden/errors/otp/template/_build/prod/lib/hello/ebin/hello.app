{application, hello, [{vsn, "1.4.0"}, {modules, []}, {applications, [kernel, stdlib]}]}.
