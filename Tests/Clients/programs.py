"""What users of these client libraries write. Each program gets the base URL of a server, and returns what it has seen: results, or
the exceptions that it caught. Nothing here knows of promptd."""
import asyncio

MODEL = "llama3.2:1b"
QUESTION = [{"role": "user", "content": "What is the capital of France?"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}},
    },
}
FAULTS = ["missing", "busy", "broken", "failing", "unfinished", "cut", "reset", "close"]


def caught(action):
    """The result of the action, or the name of its exception, and the status if it has one."""
    try:
        return action()
    except Exception as error:  # noqa: BLE001: every one is a result here
        # Requests that broke off differ in what the transport says of it.
        name = type(error).__name__
        broken = ("RemoteProtocolError", "ReadError", "ConnectError", "APIConnectionError", "IncompleteRead", "APIError")
        status = getattr(error, "status_code", None)
        return ["raised", "broken off" if name in broken and not isinstance(status, int) else name, status]


def ollama_program(url):
    import ollama

    client = ollama.Client(host=url)
    seen = {}
    seen["chat"] = client.chat(model=MODEL, messages=QUESTION).message.content
    seen["chat, limited"] = client.chat(model=MODEL, messages=QUESTION, options={"num_predict": 2}).done_reason
    seen["chat, streamed"] = [part.message.content for part in client.chat(model=MODEL, messages=QUESTION, stream=True)]
    seen["chat, thinking"] = client.chat(model=MODEL, messages=QUESTION, think=True).message.thinking
    call = client.chat(model=MODEL, messages=QUESTION, tools=[TOOL]).message.tool_calls[0]
    seen["chat, tools"] = call.function.name
    seen["chat, format"] = client.chat(model=MODEL, messages=QUESTION, format="json").message.content
    seen["generate"] = client.generate(model=MODEL, prompt="Hi").response
    seen["generate, streamed"] = [part.response for part in client.generate(model=MODEL, prompt="Hi", stream=True)]
    seen["embed"] = [list(vector) for vector in client.embed(model=MODEL, input=["one", "two"]).embeddings]
    seen["embeddings"] = list(client.embeddings(model=MODEL, prompt="one").embedding)
    seen["list"] = sorted(model.model for model in client.list().models if not model.model.startswith("fault:"))
    seen["ps"] = [model.model for model in client.ps().models if model.model == MODEL]
    seen["show"] = client.show(MODEL).capabilities

    async def many():
        client = ollama.AsyncClient(host=url)
        asked = [client.chat(model=MODEL, messages=[{"role": "user", "content": f"{n}"}]) for n in range(20)]
        return [answer.message.content for answer in await asyncio.gather(*asked)]

    seen["many"] = asyncio.run(many())
    for fault in FAULTS:
        seen[f"chat, {fault}"] = caught(lambda: client.chat(model=f"fault:{fault}", messages=QUESTION).message.content)
        seen[f"stream, {fault}"] = caught(
            lambda: [part.message.content for part in client.chat(model=f"fault:{fault}", messages=QUESTION, stream=True)])
    seen["embed, missing"] = caught(lambda: client.embed(model="", input="one"))
    return seen


def openai_program(url):
    import openai

    client = openai.OpenAI(base_url=url + "/v1", api_key="none", max_retries=0)
    seen = {}
    answer = client.chat.completions.create(model=MODEL, messages=QUESTION)
    seen["chat"] = [answer.choices[0].message.content, answer.choices[0].finish_reason, answer.usage.completion_tokens]
    limited = client.chat.completions.create(model=MODEL, messages=QUESTION, max_tokens=2)
    seen["chat, limited"] = [limited.choices[0].message.content, limited.choices[0].finish_reason]
    stream = client.chat.completions.create(
        model=MODEL, messages=QUESTION, stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    seen["chat, streamed"] = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    seen["chat, usage"] = chunks[-1].usage.completion_tokens
    call = client.chat.completions.create(model=MODEL, messages=QUESTION, tools=[TOOL]).choices[0].message.tool_calls[0]
    seen["chat, tools"] = [call.function.name, call.function.arguments]
    parts = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    seen["chat, parts"] = client.chat.completions.create(model=MODEL, messages=parts).choices[0].message.content
    seen["completion"] = client.completions.create(model=MODEL, prompt="Hi").choices[0].text
    seen["completion, streamed"] = [
        chunk.choices[0].text for chunk in client.completions.create(model=MODEL, prompt="Hi", stream=True)]
    seen["response"] = client.responses.create(model=MODEL, input="Hi").output_text
    events = list(client.responses.create(model=MODEL, input="Hi", stream=True))
    seen["response, streamed"] = [event.type for event in events]
    vectors = client.embeddings.create(model=MODEL, input=["one", "two"], encoding_format="float")
    seen["embeddings"] = [item.embedding for item in vectors.data]
    seen["models"] = sorted(model.id for model in client.models.list() if not model.id.startswith("fault:"))
    seen["model"] = client.models.retrieve(MODEL).id
    for fault in FAULTS:
        seen[f"chat, {fault}"] = caught(
            lambda: client.chat.completions.create(model=f"fault:{fault}", messages=QUESTION).choices[0].message.content)
        seen[f"stream, {fault}"] = caught(
            lambda: [
                chunk.choices[0].delta.content
                for chunk in client.chat.completions.create(model=f"fault:{fault}", messages=QUESTION, stream=True)])
    seen["bad request"] = caught(lambda: client.chat.completions.create(model="", messages=QUESTION))
    return seen


def anthropic_program(url):
    import anthropic

    client = anthropic.Anthropic(base_url=url, api_key="none", max_retries=0)
    seen = {}
    answer = client.messages.create(model=MODEL, max_tokens=100, messages=QUESTION)
    seen["message"] = [answer.content[0].text, answer.stop_reason, answer.usage.output_tokens]
    seen["message, limited"] = client.messages.create(model=MODEL, max_tokens=2, messages=QUESTION).stop_reason
    with client.messages.stream(model=MODEL, max_tokens=100, messages=QUESTION) as stream:
        seen["message, streamed"] = list(stream.text_stream)
        seen["message, final"] = stream.get_final_message().stop_reason
    tool = {"name": "get_weather", "description": "", "input_schema": TOOL["function"]["parameters"]}
    seen["message, tools"] = client.messages.create(
        model=MODEL, max_tokens=100, messages=QUESTION, tools=[tool]).content[0].name
    for fault in FAULTS:
        ask = {"model": f"fault:{fault}", "max_tokens": 100, "messages": QUESTION}
        seen[f"message, {fault}"] = caught(lambda: [block.text for block in client.messages.create(**ask).content])
        seen[f"stream, {fault}"] = caught(lambda: [event.type for event in client.messages.create(**ask, stream=True)])
    return seen


def langchain_program(url):
    from langchain_ollama import ChatOllama, OllamaEmbeddings

    model = ChatOllama(model=MODEL, base_url=url)
    seen = {"invoke": model.invoke("Hi").content}
    seen["stream"] = [chunk.content for chunk in model.stream("Hi")]
    seen["embeddings"] = OllamaEmbeddings(model=MODEL, base_url=url).embed_query("one")
    return seen


def litellm_program(url):
    import litellm

    ask = {"model": f"ollama_chat/{MODEL}", "api_base": url, "messages": QUESTION}
    seen = {"completion": litellm.completion(**ask).choices[0].message.content}
    seen["stream"] = "".join(chunk.choices[0].delta.content or "" for chunk in litellm.completion(**ask, stream=True))
    ask = {"model": f"openai/{MODEL}", "api_base": url + "/v1", "api_key": "none", "messages": QUESTION}
    seen["openai"] = litellm.completion(**ask).choices[0].message.content
    return seen


def llm_program(url):
    """The command line of llm, with a model of OpenAI's API."""
    import os
    import subprocess
    import sys
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "extra-openai-models.yaml"), "w") as models:
            models.write(f"- model_id: here\n  model_name: {MODEL}\n  api_base: {url}/v1\n")
        environment = {"PATH": os.environ["PATH"], "LLM_USER_PATH": folder, "OPENAI_API_KEY": "none"}
        command = [os.path.join(os.path.dirname(sys.executable), "llm"), "-m", "here", "Hi"]
        seen = {}
        for name, more in {"whole": ["--no-stream"], "stream": []}.items():
            done = subprocess.run(command + more, env=environment, capture_output=True, text=True, timeout=60, check=True)
            seen[name] = done.stdout
        return seen


PROGRAMS = {
    "ollama": ollama_program,
    "openai": openai_program,
    "anthropic": anthropic_program,
    "langchain-ollama": langchain_program,
    "litellm": litellm_program,
    "llm": llm_program,
}
