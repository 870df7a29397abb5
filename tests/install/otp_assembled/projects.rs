//! Projects whose releases both the native tools and fitout make.

/// How a project is made, built by its own tool, and described to fitout.
pub struct Project {
    /// Name of the release.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Makes it in the working folder, with the release of its own tool in `theirs`; `$1` is the folder of the tests' inputs.
    pub script: &'static str,
    /// `[release]` and what follows it.
    pub config: &'static str,
}

/// An application with a runtime configuration and a script for the environment.
pub const PLAIN: Project = Project {
    name: "heron_line",
    version: "0.3.1",
    script: r#"
mkdir -p lib config rel priv/deep
cp "$1"/mix/mix.exs .
cp "$1"/mix/heron.ex lib/
cp "$1"/mix/runtime.exs config/
cp "$1"/mix/env.sh.eex rel/
sed -i 's/heron_line: \[/heron_line: [config_providers: [{Heron.Own, "own"}], /' mix.exs
cat >lib/own.ex <<'END'
defmodule Heron.Own do
  @behaviour Config.Provider
  def init(name), do: {name, 1}
  def load(config, {name, 1}), do: Config.Reader.merge(config, heron: [list: [name]])
end
END
echo "words" >priv/deep/words
ln -s deep/words priv/link
printf '#!/bin/sh\n' >priv/tool
chmod 0700 priv/tool
printf '## Of <%%= @release.name %%> <%%= @release.version %%>.\n+sbwt none\n' >rel/vm.args.eex
cp rel/vm.args.eex rel/remote.vm.args.eex
mkdir -p rel/overlays/etc
echo "one" >rel/overlays/etc/one
cat >config/config.exs <<'END'
import Config
config :heron, greeting: "from config.exs", list: [1, 2, :three], env: config_env(), pair: {"a", 'b', 1.5e10}, map: %{b: 1, a: 2}
config :elixir, dbg_callback: {Macro, :dbg, []}
config :logger, level: :info
END
echo "0.3.1" >VERSION
mix release heron_line --quiet --path theirs
"#,
    config: "applications = { heron = \"permanent\" }\nproviders = [\"{'Elixir.Heron.Own', {<<\\\"own\\\">>, 1}}\"]\n",
};

/// The same without the runtime.
pub const BARE: Project = Project {
    name: "heron_bare",
    version: "0.3.1",
    script: r#"
mkdir -p lib config rel
cp "$1"/mix/mix.exs .
cp "$1"/mix/heron.ex lib/
cp "$1"/mix/runtime.exs config/
echo "0.3.1" >VERSION
mix release heron_bare --quiet --path theirs
"#,
    config: "applications = { heron = \"permanent\" }\nerts = false\n",
};

/// With a library in the runtime, a program beside it, and TLS.
pub const NATIVE: Project = Project {
    name: "gannet",
    version: "1.2.0",
    script: r#"
mkdir lib native
cp "$1"/nif/mix.exs .
cp "$1"/nif/gannet.ex lib/
cp "$1"/nif/*.c native/
mix release --quiet --path theirs
"#,
    config: "",
};

/// Applications of an umbrella that are included, optional, loaded only, not even that; with start phases, settings that
/// modules are compiled with, and protocols.
pub const UMBRELLA: Project = Project {
    name: "harbour",
    version: "2.0.0-rc.1",
    script: r##"
mkdir -p config
echo 'import Config' >config/config.exs
echo 'config :wharf, depth: 7' >>config/config.exs
cat >mix.exs <<'END'
defmodule Harbour.MixProject do
  use Mix.Project

  def project do
    [apps_path: "apps", version: "2.0.0-rc.1", deps: [], releases: [harbour: [
      include_executables_for: [:unix], strip_beams: [keep: ["Docs"]],
      applications: [wharf: :permanent, pilot: :load, buoy: :none, runtime_tools: :temporary]]]]
  end
end
END
application() {
	mkdir -p apps/"$1"/lib
	cat >apps/"$1"/mix.exs <<END
defmodule $2.MixProject do
  use Mix.Project

  def project do
    [app: :$1, version: "$3", build_path: "../../_build", config_path: "../../config/config.exs", deps_path: "../../deps",
     lockfile: "../../mix.lock", deps: $4]
  end

  def application, do: $5
end
END
}
application wharf Wharf 2.0.0 '[{:crane, in_umbrella: true}, {:rope, in_umbrella: true}]' \
	'[mod: {Wharf, []}, included_applications: [:crane], start_phases: [open: [], close: [1, "two"]], registered: [Wharf],
	  extra_applications: [:logger, ghost: :optional], env: [berths: 4, words: "some", long: 123456789012345678901234567890]]'
application crane Crane 0.1.0 '[{:rope, in_umbrella: true}]' '[mod: {Crane, []}, start_phases: [open: []]]'
application rope Rope 0.2.0 '[]' '[extra_applications: [:crypto]]'
application pilot Pilot 0.3.0 '[{:rope, in_umbrella: true}]' '[]'
application buoy Buoy 0.4.0 '[]' '[extra_applications: [:inets]]'
cat >apps/wharf/lib/wharf.ex <<'END'
defprotocol Wharf.Load do
  @doc "How heavy it is."
  def weight(load)
end

defimpl Wharf.Load, for: Integer do
  def weight(load), do: load
end

defmodule Wharf do
  @moduledoc "It has phases."
  use Application
  @depth Application.compile_env(:wharf, :depth)
  def start(_, _), do: Supervisor.start_link([], strategy: :one_for_one)
  def start_phase(_, _, _), do: :ok
  def depth, do: @depth
end
END
printf 'defmodule Crane do\n  use Application\n  def start(_, _), do: {:ok, self()}\nend\n' >apps/crane/lib/crane.ex
for module in Rope Pilot Buoy; do
	name=$(echo "$module" | tr A-Z a-z)
	printf 'defmodule %s do\n  @moduledoc "It."\n  def it, do: :ok\nend\n' "$module" >apps/"$name"/lib/"$name".ex
done
mix release harbour --quiet --path theirs
"##,
    config: "version = \"2.0.0-rc.1\"\nkeep-chunks = [\"Docs\"]\n[release.applications]\nwharf = \"permanent\"\npilot = \"load\"\nbuoy = \"none\"\nruntime_tools = \"temporary\"\n",
};

/// The same kinds of applications in Erlang, by rebar3.
const REBAR: &str = r#"
application() {
	mkdir -p apps/"$1"/src
	echo "{application, $1, [{vsn, \"$2\"}, {modules, []}, $3]}." >apps/"$1"/src/"$1".app.src
	printf -- '-module(%s).\n-export([start/2, stop/1, start_phase/3]).\nstart(_, _) -> {ok, spawn_link(fun() -> receive after infinity -> ok end end)}.\nstop(_) -> ok.\nstart_phase(_, _, _) -> ok.\n' "$1" >apps/"$1"/src/"$1".erl
}
application skerry 1.0.0 '{description, "Rocks"}, {registered, [skerry]}, {mod, {skerry, []}}, {start_phases, [{open, []}]},
	{applications, [kernel, stdlib, tide, ghost]}, {optional_applications, [ghost]}, {included_applications, [lamp]}, {env, [{n, 1.5}, {m, #{a => 1}}]}'
application lamp 0.1.0 '{applications, [kernel, stdlib, crypto]}, {mod, {lamp, []}}, {start_phases, [{open, []}]}'
application tide 0.2.0 '{applications, [kernel, stdlib]}'
application shoal 0.3.0 '{applications, [kernel, stdlib, tide]}'
application reef 0.4.0 '{applications, [kernel, stdlib, inets]}'
echo "%% nothing" >sys
echo "[{skerry, [{n, 2}]}]." >sys.config
echo "+sbwt none" >vm.args
cat >rebar.config <<END
{erl_opts, [debug_info]}.
{relx, [{release, {skerry, "1.0.0"}, [skerry, {shoal, load}, {reef, none}, {runtime_tools, temporary}]},
        {mode, dev}, {dev_mode, false}, {include_erts, $erts}, {system_libs, $erts}, {include_src, false}, {extended_start_script, true},
        {sys_config, "sys.config"}, {vm_args, "vm.args"}]}.
END
REBAR_OFFLINE=1 REBAR_CACHE_DIR=$PWD/cache REBAR_GLOBAL_CONFIG_DIR=$PWD/global rebar3 release -o "$PWD/out" >/dev/null
mv out/skerry theirs
"#;

/// Text of [`REBAR`] for a release with or without the runtime.
pub fn rebar(erts: bool) -> Project {
    let script = format!("erts={erts}\n{REBAR}");
    let config = format!(
        "strip = false\nerts = {erts}\nlib = \"_build/default/lib\"\nsys-config = \"sys.config\"\nvm-args = \"vm.args\"\n\
         [release.applications]\nskerry = \"permanent\"\nshoal = \"load\"\nreef = \"none\"\nruntime_tools = \"temporary\"\n"
    );
    Project { name: "skerry", version: "1.0.0", script: script.leak(), config: config.leak() }
}
