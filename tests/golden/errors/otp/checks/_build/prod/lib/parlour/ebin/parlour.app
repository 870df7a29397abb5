{application, parlour,
 [{vsn, "0.1.0"},
  {modules, [parlour, hello]},
  {registered, [greeter]},
  {applications, [kernel, stdlib, stairs]},
  {included_applications, [cupboard]}]}.
