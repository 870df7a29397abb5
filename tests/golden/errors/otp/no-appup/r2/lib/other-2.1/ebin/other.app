{application, other, [{vsn, "2.1"}, {modules, [other]}, {registered, []}, {applications, [kernel, stdlib]}]}.
