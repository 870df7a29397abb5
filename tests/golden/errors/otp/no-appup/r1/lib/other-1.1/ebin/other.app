{application, other, [{vsn, "1.1"}, {modules, [other]}, {registered, []}, {applications, [kernel, stdlib]}]}.
