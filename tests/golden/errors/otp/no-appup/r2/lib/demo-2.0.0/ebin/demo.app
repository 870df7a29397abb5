{application, demo, [{vsn, "2.0.0"}, {modules, [demo]}, {registered, []}, {applications, [kernel, stdlib]}]}.
