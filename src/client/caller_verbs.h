// Verbs that run where they are typed: they read input there, or have no store.
#pragma once

#include "client/verb_names.h"

namespace cairn::client {

VerbResult run_verb(const verbs::ImportArguments& arguments, Context& context);
VerbResult run_verb(const verbs::GenerateArguments& arguments, Context& context);
VerbResult run_verb(const verbs::BenchArguments& arguments, Context& context);
VerbResult run_verb(const verbs::ReplArguments& arguments, Context& context);
VerbResult run_verb(const verbs::DemoArguments& arguments, Context& context);
VerbResult run_verb(const verbs::ServeArguments& arguments, Context& context);
VerbResult run_verb(const verbs::TokenArguments& arguments, Context& context);

// Those, and all others (verbs::run_any).
VerbResult run_any(const verbs::VerbArguments& verb, Context& context);

}  // namespace cairn::client
