{application, stairs,
 [{vsn, "0.2.0"},
  {modules, []},
  {applications, [kernel, parlour]}]}.
