{application, hello, [{vsn, "1.4.0"}, {modules, [hello]}, {applications, [kernel, stdlib]}]}.
