{application, cellar, [{vsn, "0.3.0"}, {modules, []}, {applications, [kernel]}]}.
