defmodule Fitout.Config do
  @moduledoc false
  # What mix.exs says of a release, as a fitout.toml.

  @doc """
  The text of a config for a release of a project (`Mix.Project.config/0`), where `options` are stronger than what
  the project says.
  """
  @spec text(Mix.Release.t(), keyword, keyword) :: String.t()
  def text(release, project, options) do
    hex = project[:package] || []

    package = [
      name: options[:name] || String.replace("#{release.name}", "_", "-"),
      version: release.version,
      summary: options[:summary] || summary(release, project),
      description: project[:description] && String.trim(project[:description]),
      maintainer: options[:maintainer] || maintainer(release, hex),
      license: options[:license] || license(release, hex),
      homepage: project[:homepage_url],
      repository: project[:source_url]
    ]

    [
      "# Made from mix.exs by the release step of fitout; a fitout.toml in the project takes its place.\n\n",
      table("[package]", package),
      table("[build]", preset: "otp"),
      service(Keyword.get(options, :service, []))
    ]
    |> IO.iodata_to_binary()
  end

  defp summary(release, project) do
    case project[:description] do
      text when is_binary(text) ->
        text |> String.split(~r/\.(\s|$)/, parts: 2) |> hd() |> String.split() |> Enum.join(" ")

      _ ->
        "The #{release.name} service"
    end
  end

  defp maintainer(release, hex) do
    Enum.find(hex[:maintainers] || [], &(&1 =~ ~r/^[^<>]+ <[^<> ]+@[^<> ]+>$/)) ||
      Mix.raise(
        "a package needs a maintainer: put \"Name <mail>\" into `package: [maintainers: ...]` of mix.exs, " <>
          "or into `fitout: [maintainer: ...]` of the release #{release.name}"
      )
  end

  defp license(release, hex) do
    case hex[:licenses] do
      [license] ->
        license

      _ ->
        Mix.raise(
          "a package needs one licence, as an SPDX expression such as \"Apache-2.0\": put it into " <>
            "`package: [licenses: ...]` of mix.exs, or into `fitout: [license: ...]` of the release #{release.name}"
        )
    end
  end

  defp service(false), do: []

  defp service(keys) do
    table(
      "[[service]]",
      for({key, value} <- keys, do: {key |> to_string() |> String.replace("_", "-"), value})
    )
  end

  defp table(head, pairs) do
    lines = for {key, value} <- pairs, value != nil, do: "#{key} = #{value(value)}\n"
    [head, "\n", lines, "\n"]
  end

  defp value(text) when is_binary(text), do: quoted(text)
  defp value(true), do: "true"
  defp value(false), do: "false"
  defp value(atom) when is_atom(atom), do: quoted(to_string(atom))
  defp value(number) when is_number(number), do: to_string(number)

  defp value(list) when is_list(list) do
    if list != [] and Keyword.keyword?(list),
      do: inline(list),
      else: "[#{Enum.map_join(list, ", ", &value/1)}]"
  end

  defp value(map) when is_map(map), do: map |> Enum.sort() |> inline()

  defp inline(pairs) do
    "{ #{Enum.map_join(pairs, ", ", fn {key, value} -> "#{quoted(to_string(key))} = #{value(value)}" end)} }"
  end

  # A basic string of TOML 1.0: quotes, backslashes and control characters are escaped.
  defp quoted(text) do
    escaped =
      for <<char::utf8 <- text>>, into: "" do
        case char do
          ?" ->
            "\\\""

          ?\\ ->
            "\\\\"

          char when char < 0x20 or char == 0x7F ->
            "\\u" <> String.pad_leading(Integer.to_string(char, 16), 4, "0")

          char ->
            <<char::utf8>>
        end
      end

    "\"#{escaped}\""
  end
end
