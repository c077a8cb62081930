// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target is compiled with.
///
/// `NonisolatedNonsendingByDefault` is not decoration: objects that belong to the event loop are plain classes, and
/// their asynchronous methods run where their caller runs, which is the loop. See `Sources/EventLoop/EventLoop.swift`.
let swiftSettings: [SwiftSetting] =
    [
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ] + (Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)])

/// For the targets that have no business with pointers.
let strictSettings = swiftSettings + [.strictMemorySafety()]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")

let package = Package(
    name: "promptd",
    products: [
        .executable(name: "promptd", targets: ["promptd"]),
        .library(name: "HTTPServer", targets: ["HTTPServer", "EventLoop"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        .target(name: "CLibevent", linkerSettings: [.linkedLibrary("event_core"), .linkedLibrary("event_extra")]),
        .target(name: "EventLoop", dependencies: ["CLibevent"], swiftSettings: swiftSettings),
        .target(name: "HTTPServer", dependencies: ["EventLoop", "CLibevent", logging], swiftSettings: swiftSettings),
        .target(name: "HTTPClient", dependencies: ["EventLoop", "CLibevent"], swiftSettings: swiftSettings),
        .target(name: "Ollama", dependencies: ["HTTPClient", "EventLoop"], swiftSettings: swiftSettings),
        .target(
            name: "PromptFunction", dependencies: ["HTTPServer", "Ollama", logging], swiftSettings: strictSettings),
        .target(name: "StandIn", dependencies: ["HTTPServer", "EventLoop", logging], swiftSettings: strictSettings),
        .executableTarget(
            name: "promptd",
            dependencies: [
                "PromptFunction", "StandIn", "HTTPServer", "HTTPClient", "Ollama", "EventLoop", argumentParser, logging,
                histogram,
            ],
            swiftSettings: strictSettings),
        .target(
            name: "TestSupport", dependencies: ["EventLoop", logging], path: "Tests/TestSupport",
            swiftSettings: swiftSettings),
        .testTarget(name: "EventLoopTests", dependencies: ["EventLoop", "TestSupport"], swiftSettings: swiftSettings),
        .testTarget(
            name: "HTTPServerTests", dependencies: ["HTTPServer", "EventLoop", "TestSupport", logging],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "HTTPClientTests", dependencies: ["HTTPClient", "EventLoop", "TestSupport"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "OllamaTests", dependencies: ["Ollama", "HTTPClient", "EventLoop", "TestSupport"],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "PromptFunctionTests",
            dependencies: [
                "PromptFunction", "StandIn", "Ollama", "HTTPClient", "HTTPServer", "EventLoop", "TestSupport", logging,
            ],
            swiftSettings: swiftSettings),
        .testTarget(
            name: "promptdTests", dependencies: ["promptd", "HTTPServer", "EventLoop", "TestSupport"],
            swiftSettings: swiftSettings),
    ]
)
