/* SPDX-License-Identifier: Apache-2.0 */
/* pickle_globals.c - the list of globals that a pickle may name or call. Nothing here is ever run:
 * the list says what a model that an honest program saved needs, so that whatever else a pickle
 * wants is told to the reader of the message. */
#include "format/pickle_globals.h"

#include <stdlib.h>
#include <string.h>

struct global {
	const char *module;
	const char *name;
	enum heft_pickle_action action;
};

/* In ascending order of module and name. Left out on purpose, though pickles of honest programs
 * have them: getattr (bound methods), operator.* and type, which reach everything, and
 * torch.storage._load_from_bytes, which reads another pickle. */
static const struct global globals[] = {
	{ "_codecs", "encode", HEFT_PICKLE_ENCODES },
	{ "accelerate.state", "DistributedType", HEFT_PICKLE_CALLED },
	{ "accelerate.utils.dataclasses", "DistributedType", HEFT_PICKLE_CALLED },
	{ "accelerate.utils.dataclasses", "PrecisionType", HEFT_PICKLE_CALLED },
	{ "argparse", "Namespace", HEFT_PICKLE_NAMED },
	{ "array", "_array_reconstructor", HEFT_PICKLE_CALLED },
	{ "array", "array", HEFT_PICKLE_CALLED },
	{ "builtins", "Ellipsis", HEFT_PICKLE_NAMED },
	{ "builtins", "NotImplemented", HEFT_PICKLE_NAMED },
	{ "builtins", "bool", HEFT_PICKLE_NAMED },
	{ "builtins", "bytearray", HEFT_PICKLE_MAKES_BYTES },
	{ "builtins", "bytes", HEFT_PICKLE_MAKES_BYTES },
	{ "builtins", "complex", HEFT_PICKLE_CALLED },
	{ "builtins", "dict", HEFT_PICKLE_MAKES_DICT },
	{ "builtins", "float", HEFT_PICKLE_NAMED },
	{ "builtins", "frozenset", HEFT_PICKLE_MAKES_SET },
	{ "builtins", "int", HEFT_PICKLE_NAMED },
	{ "builtins", "list", HEFT_PICKLE_MAKES_LIST },
	{ "builtins", "object", HEFT_PICKLE_NAMED },
	{ "builtins", "range", HEFT_PICKLE_CALLED },
	{ "builtins", "set", HEFT_PICKLE_MAKES_SET },
	{ "builtins", "slice", HEFT_PICKLE_CALLED },
	{ "builtins", "str", HEFT_PICKLE_NAMED },
	{ "builtins", "tuple", HEFT_PICKLE_MAKES_TUPLE },
	{ "collections", "Counter", HEFT_PICKLE_MAKES_DICT },
	{ "collections", "OrderedDict", HEFT_PICKLE_MAKES_DICT },
	{ "collections", "defaultdict", HEFT_PICKLE_MAKES_FACTORY_DICT },
	{ "collections", "deque", HEFT_PICKLE_CALLED },
	{ "copyreg", "__newobj__", HEFT_PICKLE_MAKES_OBJECT },
	{ "copyreg", "__newobj_ex__", HEFT_PICKLE_MAKES_OBJECT_EX },
	{ "copyreg", "_reconstructor", HEFT_PICKLE_RECONSTRUCTS },
	{ "datetime", "date", HEFT_PICKLE_CALLED },
	{ "datetime", "datetime", HEFT_PICKLE_CALLED },
	{ "datetime", "time", HEFT_PICKLE_CALLED },
	{ "datetime", "timedelta", HEFT_PICKLE_CALLED },
	{ "datetime", "timezone", HEFT_PICKLE_CALLED },
	{ "decimal", "Decimal", HEFT_PICKLE_CALLED },
	{ "enum", "Enum", HEFT_PICKLE_NAMED },
	{ "enum", "Flag", HEFT_PICKLE_NAMED },
	{ "enum", "IntEnum", HEFT_PICKLE_NAMED },
	{ "enum", "IntFlag", HEFT_PICKLE_NAMED },
	{ "enum", "StrEnum", HEFT_PICKLE_NAMED },
	{ "fractions", "Fraction", HEFT_PICKLE_CALLED },
	{ "functools", "partial", HEFT_PICKLE_CALLED },
	{ "lightning.fabric.utilities.data", "AttributeDict", HEFT_PICKLE_CALLED },
	{ "lightning.pytorch.trainer.states", "RunningStage", HEFT_PICKLE_CALLED },
	{ "lightning.pytorch.trainer.states", "TrainerFn", HEFT_PICKLE_CALLED },
	{ "lightning.pytorch.trainer.states", "TrainerStatus", HEFT_PICKLE_CALLED },
	{ "lightning.pytorch.utilities.enums", "AMPType", HEFT_PICKLE_CALLED },
	{ "lightning.pytorch.utilities.enums", "AutoRestartBatchKeys", HEFT_PICKLE_CALLED },
	{ "lightning.pytorch.utilities.enums", "DeviceType", HEFT_PICKLE_CALLED },
	{ "lightning.pytorch.utilities.enums", "DistributedType", HEFT_PICKLE_CALLED },
	{ "lightning.pytorch.utilities.enums", "GradClipAlgorithmType", HEFT_PICKLE_CALLED },
	{ "lightning_fabric.utilities.data", "AttributeDict", HEFT_PICKLE_CALLED },
	{ "numpy", "dtype", HEFT_PICKLE_CALLED },
	{ "numpy._core._internal", "_convert_to_stringdtype_kwargs", HEFT_PICKLE_CALLED },
	{ "numpy._core.multiarray", "_reconstruct", HEFT_PICKLE_CALLED },
	{ "numpy._core.multiarray", "scalar", HEFT_PICKLE_CALLED },
	{ "numpy._core.numeric", "_frombuffer", HEFT_PICKLE_CALLED },
	{ "numpy.core._internal", "_convert_to_stringdtype_kwargs", HEFT_PICKLE_CALLED },
	{ "numpy.core.multiarray", "_reconstruct", HEFT_PICKLE_CALLED },
	{ "numpy.core.multiarray", "scalar", HEFT_PICKLE_CALLED },
	{ "numpy.core.numeric", "_frombuffer", HEFT_PICKLE_CALLED },
	{ "numpy.ma.core", "_mareconstruct", HEFT_PICKLE_CALLED },
	{ "numpy.random._pickle", "__bit_generator_ctor", HEFT_PICKLE_CALLED },
	{ "numpy.random._pickle", "__generator_ctor", HEFT_PICKLE_CALLED },
	{ "numpy.random._pickle", "__randomstate_ctor", HEFT_PICKLE_CALLED },
	{ "numpy.random.bit_generator", "__pyx_unpickle_SeedSequence", HEFT_PICKLE_CALLED },
	{ "pathlib", "Path", HEFT_PICKLE_CALLED },
	{ "pathlib", "PosixPath", HEFT_PICKLE_CALLED },
	{ "pathlib", "PurePath", HEFT_PICKLE_CALLED },
	{ "pathlib", "PurePosixPath", HEFT_PICKLE_CALLED },
	{ "pathlib", "PureWindowsPath", HEFT_PICKLE_CALLED },
	{ "pathlib", "WindowsPath", HEFT_PICKLE_CALLED },
	{ "pathlib._local", "Path", HEFT_PICKLE_CALLED },
	{ "pathlib._local", "PosixPath", HEFT_PICKLE_CALLED },
	{ "pathlib._local", "PurePath", HEFT_PICKLE_CALLED },
	{ "pathlib._local", "PurePosixPath", HEFT_PICKLE_CALLED },
	{ "pathlib._local", "PureWindowsPath", HEFT_PICKLE_CALLED },
	{ "pathlib._local", "WindowsPath", HEFT_PICKLE_CALLED },
	{ "pytorch_lightning.trainer.states", "RunningStage", HEFT_PICKLE_CALLED },
	{ "pytorch_lightning.trainer.states", "TrainerFn", HEFT_PICKLE_CALLED },
	{ "pytorch_lightning.trainer.states", "TrainerStatus", HEFT_PICKLE_CALLED },
	{ "pytorch_lightning.utilities.enums", "AMPType", HEFT_PICKLE_CALLED },
	{ "pytorch_lightning.utilities.enums", "AutoRestartBatchKeys", HEFT_PICKLE_CALLED },
	{ "pytorch_lightning.utilities.enums", "DeviceType", HEFT_PICKLE_CALLED },
	{ "pytorch_lightning.utilities.enums", "DistributedType", HEFT_PICKLE_CALLED },
	{ "pytorch_lightning.utilities.enums", "GradClipAlgorithmType", HEFT_PICKLE_CALLED },
	{ "re", "_compile", HEFT_PICKLE_CALLED },
	{ "time", "struct_time", HEFT_PICKLE_CALLED },
	{ "torch", "Size", HEFT_PICKLE_CALLED },
	{ "torch", "Tensor", HEFT_PICKLE_CALLED },
	{ "torch", "device", HEFT_PICKLE_CALLED },
	{ "torch._tensor", "_rebuild_from_type", HEFT_PICKLE_CALLED },
	{ "torch._tensor", "_rebuild_from_type_v2", HEFT_PICKLE_CALLED },
	{ "torch._utils", "_rebuild_device_tensor_from_cpu_tensor", HEFT_PICKLE_CALLED },
	{ "torch._utils", "_rebuild_device_tensor_from_numpy", HEFT_PICKLE_CALLED },
	{ "torch._utils", "_rebuild_meta_tensor_no_storage", HEFT_PICKLE_CALLED },
	{ "torch._utils", "_rebuild_nested_tensor", HEFT_PICKLE_CALLED },
	{ "torch._utils", "_rebuild_parameter", HEFT_PICKLE_CALLED },
	{ "torch._utils", "_rebuild_parameter_v2", HEFT_PICKLE_CALLED },
	{ "torch._utils", "_rebuild_parameter_with_state", HEFT_PICKLE_CALLED },
	{ "torch._utils", "_rebuild_qtensor", HEFT_PICKLE_CALLED },
	{ "torch._utils", "_rebuild_sparse_csr_tensor", HEFT_PICKLE_CALLED },
	{ "torch._utils", "_rebuild_sparse_tensor", HEFT_PICKLE_CALLED },
	{ "torch._utils", "_rebuild_tensor", HEFT_PICKLE_CALLED },
	{ "torch._utils", "_rebuild_tensor_v2", HEFT_PICKLE_CALLED },
	{ "torch._utils", "_rebuild_tensor_v3", HEFT_PICKLE_CALLED },
	{ "torch._utils", "_rebuild_wrapper_subclass", HEFT_PICKLE_CALLED },
	{ "torch._utils", "_rebuild_xla_tensor", HEFT_PICKLE_CALLED },
	{ "torch.distributed.fsdp.api", "ShardingStrategy", HEFT_PICKLE_CALLED },
	{ "torch.jit._pickle", "build_boollist", HEFT_PICKLE_CALLED },
	{ "torch.jit._pickle", "build_doublelist", HEFT_PICKLE_CALLED },
	{ "torch.jit._pickle", "build_intlist", HEFT_PICKLE_CALLED },
	{ "torch.jit._pickle", "build_tensor_from_id", HEFT_PICKLE_CALLED },
	{ "torch.jit._pickle", "build_tensorlist", HEFT_PICKLE_CALLED },
	{ "torch.jit._pickle", "restore_type_tag", HEFT_PICKLE_CALLED },
	{ "torch.nn.parameter", "Buffer", HEFT_PICKLE_CALLED },
	{ "torch.nn.parameter", "Parameter", HEFT_PICKLE_CALLED },
	{ "torch.nn.parameter", "UninitializedBuffer", HEFT_PICKLE_CALLED },
	{ "torch.nn.parameter", "UninitializedParameter", HEFT_PICKLE_CALLED },
	{ "torch.serialization", "_get_layout", HEFT_PICKLE_CALLED },
	{ "torch.tensor", "_rebuild_from_type", HEFT_PICKLE_CALLED },
	{ "torchvision.transforms.autoaugment", "AutoAugmentPolicy", HEFT_PICKLE_CALLED },
	{ "torchvision.transforms.functional", "InterpolationMode", HEFT_PICKLE_CALLED },
	{ "transformers.trainer_utils", "EvaluationStrategy", HEFT_PICKLE_CALLED },
	{ "transformers.trainer_utils", "FSDPOption", HEFT_PICKLE_CALLED },
	{ "transformers.trainer_utils", "HubStrategy", HEFT_PICKLE_CALLED },
	{ "transformers.trainer_utils", "IntervalStrategy", HEFT_PICKLE_CALLED },
	{ "transformers.trainer_utils", "SaveStrategy", HEFT_PICKLE_CALLED },
	{ "transformers.trainer_utils", "SchedulerType", HEFT_PICKLE_CALLED },
	{ "transformers.training_args", "OptimizerNames", HEFT_PICKLE_CALLED },
	{ "types", "SimpleNamespace", HEFT_PICKLE_CALLED },
	{ "typing", "Any", HEFT_PICKLE_NAMED },
	{ "typing", "Callable", HEFT_PICKLE_NAMED },
	{ "typing", "Dict", HEFT_PICKLE_NAMED },
	{ "typing", "Iterable", HEFT_PICKLE_NAMED },
	{ "typing", "List", HEFT_PICKLE_NAMED },
	{ "typing", "Literal", HEFT_PICKLE_NAMED },
	{ "typing", "Mapping", HEFT_PICKLE_NAMED },
	{ "typing", "Optional", HEFT_PICKLE_NAMED },
	{ "typing", "Sequence", HEFT_PICKLE_NAMED },
	{ "typing", "Set", HEFT_PICKLE_NAMED },
	{ "typing", "Tuple", HEFT_PICKLE_NAMED },
	{ "typing", "Type", HEFT_PICKLE_NAMED },
	{ "typing", "Union", HEFT_PICKLE_NAMED },
	{ "ultralytics.utils", "IterableSimpleNamespace", HEFT_PICKLE_CALLED },
	{ "ultralytics.yolo.utils", "IterableSimpleNamespace", HEFT_PICKLE_CALLED },
	{ "uuid", "SafeUUID", HEFT_PICKLE_NAMED },
	{ "uuid", "UUID", HEFT_PICKLE_NAMED },
};

/* What Python's own tables say (_compat_pickle), of what the list has or a message names. */
static const char *const old_modules[][2] = {
	{ "__builtin__", "builtins" },   { "copy_reg", "copyreg" },
	{ "cPickle", "pickle" },         { "exceptions", "builtins" },
	{ "UserDict", "collections" },   { "UserList", "collections" },
	{ "UserString", "collections" },
};

static const char *const old_builtins[][2] = {
	{ "basestring", "str" },
	{ "long", "int" },
	{ "unicode", "str" },
	{ "xrange", "range" },
};

static const char *find_new(const char *const (*table)[2], size_t n, const char *old)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(table[i][0], old) == 0)
			return table[i][1];
	}
	return old;
}

void heft_pickle_modernise(const char **module, const char **name)
{
	const bool is_old_builtin = strcmp(*module, "__builtin__") == 0;

	*module = find_new(old_modules, sizeof old_modules / sizeof old_modules[0], *module);
	if (is_old_builtin)
		*name = find_new(old_builtins, sizeof old_builtins / sizeof old_builtins[0], *name);
}

static int compare(const void *a, const void *b)
{
	const struct global *x = a;
	const struct global *y = b;
	const int order = strcmp(x->module, y->module);

	return order != 0 ? order : strcmp(x->name, y->name);
}

bool heft_pickle_find_global(const char *module, const char *name, enum heft_pickle_action *action)
{
	const struct global key = { .module = module, .name = name };
	const struct global *row = bsearch(&key, globals, sizeof globals / sizeof globals[0],
	                                   sizeof globals[0], compare);

	if (!row && heft_pickle_is_stdlib(module))
		return false;
	*action = row ? row->action : HEFT_PICKLE_NAMED;
	return true;
}
