{{/* A pod that runs a program of files/ once, with the Python of the image. */}}

{{- define "mock.clientPod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
restartPolicy: Never
securityContext: {{- include "mock.podSecurity" 10001 | nindent 2 }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: client
    image: {{ include "mock.image" .root | quote }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    command: [python, -c, {{ .root.Files.Get .program | toJson }}]
    args: {{ .args | toJson }}
    env: {{- include "mock.clientEnv" .root | nindent 6 }}
    resources:
      requests: {cpu: 100m, memory: 64Mi}
      limits: {memory: 256Mi}
    securityContext: {{- include "mock.containerSecurity" . | nindent 6 }}
{{- end }}
