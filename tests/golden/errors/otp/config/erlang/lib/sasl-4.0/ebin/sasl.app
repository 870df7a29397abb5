{application, sasl, [{vsn, "4.0"}, {modules, []}, {applications, [kernel, stdlib]}]}.
