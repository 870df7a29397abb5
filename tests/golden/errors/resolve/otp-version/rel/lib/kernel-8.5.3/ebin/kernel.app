{application,kernel,[]}.
