{application, cupboard, [{vsn, "0.1.0"}, {modules, []}, {applications, [kernel]}]}.
