/* A library that the runtime loads. */
#include <erl_nif.h>

static ERL_NIF_TERM add(ErlNifEnv *env, int count, const ERL_NIF_TERM given[])
{
	int one, other;

	(void)count;
	if (!enif_get_int(env, given[0], &one) || !enif_get_int(env, given[1], &other))
		return enif_make_badarg(env);
	return enif_make_int(env, one + other);
}

static ErlNifFunc functions[] = {{"add", 2, add, 0}};
ERL_NIF_INIT(Elixir.Gannet.Beak, functions, NULL, NULL, NULL, NULL)
