// Generated load as an input of an import: a thread generates, nothing is written in between.
#pragma once

#include "client/generate.h"
#include "client/importer.h"

namespace cairn::client {

ImportInput generated_input(const GenerateOptions& options);

}  // namespace cairn::client
