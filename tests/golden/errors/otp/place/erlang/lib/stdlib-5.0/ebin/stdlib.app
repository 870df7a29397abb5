{application, stdlib, [{vsn, "5.0"}, {modules, []}, {applications, [kernel]}]}.
