"""Functions as compiled code calls them: linked into their callers, and optimised there, once.

Numba optimises every function that it compiles, and makes machine code of it, although what runs is the code of the
outermost caller, into which all others were linked and optimised again. A *callee* is compiled as far as LLVM's
language, without the wrappers by which Python would call it; what calls it takes it over from there.

A function with a loop is optimised by itself before: within its callers, where arrays are taken out of a solver's state
in memory, LLVM may not see that they do not overlap, and would not use vector registers.
"""

import uuid

from llvmlite import binding as llvm
from llvmlite import ir
from numba.core import cgutils
from numba.core.analysis import compute_cfg_from_blocks
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, CompileResult, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering


class CalleeLibrary(JITCodeLibrary):
    """The code of one function, as its callers link it."""

    uses_environment = has_loop = False

    def add_ir_module(self, ir_module):
        """As Numba's; notes whether the code looks at the constants that Numba holds for it."""
        (environment,) = (name for name in ir_module.globals if name.startswith("_ZN08NumbaEnv"))
        text = cgutils.normalize_ir_text(str(ir_module))
        self.uses_environment = text.count(environment) > 1  # once is its declaration
        module = llvm.parse_assembly(text)
        module.name = ir_module.name
        module.verify()
        self.add_llvm_module(module)

    def finalize(self):
        """Nothing is linked or optimised here."""
        self._raise_if_finalized()
        _reload(self).update(*map(_reload, self._linking_libraries))
        self._finalized = True

    def _get_module_for_linking(self):
        self._ensure_finalized()
        if self._shared_module is None:
            module = self._final_module
            for library in dict.fromkeys(self._linking_libraries):
                module.link_in(library._get_module_for_linking(), preserve=True)
            if self.has_loop:
                self._optimize_final_module()
            for function in module.functions:
                if not function.is_declaration and function.linkage == llvm.Linkage.external:
                    function.linkage = "linkonce_odr"
            self._shared_module = module
        return self._shared_module

    @property
    def has_dynamic_globals(self):
        """Whether the code holds addresses of this process, so that no other may use it."""
        variables = self._get_module_for_linking().global_variables
        return any(variable.name.startswith("numba.dynamic.globals") for variable in variables)

    def get_pointer_to_function(self, name):
        """There is no machine code."""
        raise NotImplementedError(f"{self.name} has no address: it is compiled for compiled callers only")

    def provide(self, environment):
        """Make the variable that holds the environment; it has none where no machine code is made."""
        if not self.uses_environment:
            return
        name = environment.env_name
        module = ir.Module(name)
        variable = ir.GlobalVariable(module, cgutils.voidptr_t, name)
        variable.linkage, variable.initializer = "common", cgutils.voidptr_t(None)
        self.codegen._add_module(llvm.parse_assembly(str(module)))
        self.codegen._engine.finalize_object()
        self.codegen.set_env(name, environment)


def _reload(library):
    """What must be done before the code can be loaded from a file; before Numba 0.63 libraries did not hold it."""
    return getattr(library, "_reload_init", set())


def _key():
    """What Numba knows the callee by, which must be a built-in function of its own; nobody calls it."""
    return object().__sizeof__


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(NativeLowering):
    _name = "numopt_callee_lowering"

    def run_pass(self, state):
        state.library = CalleeLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        flags = state.flags
        flags.no_cpython_wrapper = flags.no_cfunc_wrapper = flags.no_compile = True
        state.library.has_loop = bool(compute_cfg_from_blocks(state.func_ir.blocks).loops())
        super().run_pass(state)
        lowered = state["cr"]._replace(cfunc=_key())
        state.targetctx.insert_user_function(lowered.cfunc, lowered.fndesc, [state.library])
        state.reload_init.extend(_reload(state.library))
        state.library.provide(lowered.env)
        state["cr"] = lowered
        return True


class CalleeCompiler(CompilerBase):
    """Numba's compiler, but for the last step."""

    def define_pipelines(self):
        """As Numba's."""
        # Numba numbers functions as they come in a process. A callee may be linked to one from a file, of another
        # process: if name, types and number were the same, LLVM would take one for the other.
        identity = self.state.func_id
        identity.unique_id = uuid.uuid4().hex[:16]
        identity.unique_name = f"{identity.func_qualname}${identity.unique_id}"
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.passes = [(_Lowering if step is NativeLowering else step, name) for step, name in passes.passes]
        passes.finalize()
        return [passes]


# what `overload` takes to have its implementations compiled as callees
CALLEE = {"pipeline_class": CalleeCompiler}


def reduce(result):
    """A compiled callee as pickle can hold it."""
    library, described = result.library, result.fndesc
    described.typemap = described.calltypes = None
    code = library._get_module_for_linking().as_bitcode()
    reload = result.reload_init
    return library.name, code, library.uses_environment, described, result.environment, result.signature, reload


def rebuild(context, name, code, uses_environment, described, environment, signature, reload_init):
    """The callee again."""
    for initialise in reload_init:
        initialise()
    library = CalleeLibrary(context.codegen(), name)
    library._shared_module = library._final_module = llvm.parse_bitcode(code)
    library._finalized, library.uses_environment = True, uses_environment
    _reload(library).update(reload_init)
    library.provide(environment)
    return CompileResult(
        typing_context=context.typing_context,
        target_context=context,
        entry_point=_key(),
        typing_error=None,
        type_annotation="",
        signature=signature,
        objectmode=False,
        lifted=(),
        fndesc=described,
        library=library,
        call_helper=None,
        environment=environment,
        metadata=None,
        reload_init=reload_init,
        referenced_envs=[environment],
    )
