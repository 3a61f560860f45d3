// generate.
#include "client/caller_verbs.h"
#include "client/generate.h"

namespace cairn::client {

VerbResult run_verb(const verbs::GenerateArguments& arguments, Context& context) {
  Console& console = context.console;
  auto generated = generate(arguments.options, [&](std::string_view block) -> Result<void> {
    console.out.write(block);
    if (console.out.closed()) return make_error(ErrorCode::Closed, "nobody reads any more");
    return {};
  });
  if (!generated && !console.out.closed()) return generated.error();
  return ExitCode::Ok;
}

}  // namespace cairn::client
