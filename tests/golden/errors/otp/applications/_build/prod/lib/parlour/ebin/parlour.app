{application, parlour, [{vsn, "1.0.0"},
 {modules, [parlour, "hello"]}]}.
