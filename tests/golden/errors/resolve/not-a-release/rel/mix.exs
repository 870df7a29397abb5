defmodule Bad do end
