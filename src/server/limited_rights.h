// What a command line may touch of a store for whoever is limited to projects: issues that it names
// have to be of these, and verbs that cannot be limited are denied.
#pragma once

#include "engine/store.h"
#include "server/gate.h"
#include "verbs/arguments.h"
#include "verbs/demand.h"

namespace cairn::server {

// Of who is limited to projects: whether the issues named are of these. nullopt: go on. Thread:
// any.
std::optional<Refusal> refuse_issues(const std::vector<std::string>& issues,
                                     const verbs::Rights& rights, const model::State& state);

// nullopt: go on. Thread: any.
std::optional<Refusal> refuse_beyond_projects(const verbs::Invocation& invocation,
                                              const verbs::Rights& rights,
                                              const engine::Store& store);

}  // namespace cairn::server
