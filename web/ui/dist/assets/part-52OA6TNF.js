import{c as h,v as D,w as N,y as _,z as I}from"./part-HSAFNMFF.js";import{a as F,d as T}from"./part-7MXWNN6C.js";import{A as m,D as H,E as j,F as x,G as L,H as b,I as E,J as S,K as M,b as s,c as i,i as k,m as v,t as P,u as A,w,y as C}from"./part-K4XTX4UC.js";function q(e){return{name:e?.name??"",way:e&&!e.vendor?"urls":"vendor",vendor:e?.vendor??"",address:e?.address??"",main:e&&!e.vendor?e.main_url??"":"",sub:e&&!e.vendor?e.sub_url??"":"",user:e?.username??"",pass:"",record:e?.record??!0,audio:e?.audio??!0,volume:e?.volume??"",mirror:e?.mirror??""}}function R(e,t){let r={name:e.name.trim(),vendor:e.way==="vendor"?e.vendor:"",address:e.way==="vendor"?e.address.trim():"",main_url:e.way==="urls"?e.main.trim():"",sub_url:e.way==="urls"?e.sub.trim():"",username:e.user,record:e.record,audio:e.audio,volume:e.volume,mirror:e.mirror},a=t?R(t):{},n={};for(let[o,l]of Object.entries(r))(t?l!==(a[o]??""):l!=="")&&(n[o]=l);return e.pass&&(n.password=e.pass),n}var Q=[{value:"hikvision",label:"Hikvision"},{value:"dahua",label:"Dahua"},{value:"reolink",label:"Reolink"},{value:"axis",label:"Axis"},{value:"amcrest",label:"Amcrest"},{value:"tapo",label:"Tapo"}];function X(e){let t={};return e.name.trim()||(t.name="Give the camera a name."),e.way==="vendor"?(e.vendor||(t.vendor="Choose the maker, or give the stream addresses."),e.address.trim()||(t.address="Enter the camera’s address.")):/^rtsps?:\/\/./i.test(e.main.trim())||(t.main_url="Enter an address that begins with rtsp:// or rtsps://"),t}function B({camera:e}){let[t,r]=i(()=>q(e)),[a,n]=i(t),[o,l]=i({}),[d,g]=i(!1),[u,G]=i(null),c=$=>y=>n(p=>({...p,[$]:y})),Y=async $=>{$.preventDefault();let y=X(a);if(l(y),Object.keys(y).length)return U(Object.keys(y)[0]);g(!0);try{let p=e??u,f=p?await h.change(p.id,R(a,t)):await h.add(R(a));f?.id&&(v.value=k(v.value,{v:1,t:"camera",d:f},Date.now())),C("good",p?`${a.name.trim()} was saved.`:`${a.name.trim()} was added.`),r({...a,pass:""}),n({...a,pass:""}),e?T("cameras"):G(f)}catch(p){let f=p;l({[f.field??"form"]:f.message}),U(f.field??"")}finally{g(!1)}},J=["name","vendor","address","main_url","sub_url","username","password","volume","mirror"],O=Object.entries(o).filter(([$])=>!J.includes($)).map(([,$])=>$).join(" ");return s`<main id="main" class="screen narrow">
    <header class="screen-head"><a class="ib" href="#/cameras" aria-label="Back to all cameras"><${m} name="back" /></a>
      <h1 tabIndex=${-1}>${e?`Edit ${e.name}`:"Add a camera"}</h1></header>
    <form class="form" onSubmit=${Y} noValidate>
      <div role="alert">${O&&s`<p class="form-error"><${m} name="warn" />${O}</p>`}</div>
      <${b} id="name" label="Name" value=${a.name} onInput=${c("name")} error=${o.name} placeholder="Front door" testid="camera-name" />
      <fieldset><legend>Where it is</legend>
        <${L} label="How to find the camera" testid="camera-way" value=${a.way} onPick=${c("way")}
          options=${[{value:"vendor",label:"By maker"},{value:"urls",label:"By stream address"}]} />
        ${a.way==="vendor"?s`<${Z} v=${a} set=${c} errors=${o} />`:s`<${ae} v=${a} set=${c} errors=${o} />`}
      </fieldset>
      <fieldset><legend>How to sign in to it</legend>
        <div class="pair">
          <${b} id="username" label="User name" required=${!1} value=${a.user} onInput=${c("user")} error=${o.username} testid="camera-user" />
          <${b} id="password" label="Password" type="password" required=${!1} value=${a.pass} onInput=${c("pass")} error=${o.password} autocomplete="new-password" testid="camera-pass"
            placeholder=${e?.has_password?"unchanged":""} hint=${e?.has_password?"One is stored. It is never shown; write a new one to replace it.":void 0} />
        </div>
      </fieldset>
      <fieldset><legend>What to keep</legend>
        <${E} id="record" label="Record" hint="Off: live view only." checked=${a.record} onChange=${c("record")} testid="camera-record" />
        <${ee} v=${a} set=${c} errors=${o} />
        <${E} id="audio" label="Sound" hint="Kept as the camera sends it." checked=${a.audio} onChange=${c("audio")} testid="camera-audio" />
      </fieldset>
      <div class="form-foot">
        <button type="submit" class="button primary" disabled=${d||w.value} data-testid="camera-save">${d?"Saving…":e||u?"Save":"Add camera"}</button>
        <a class="button" href="#/cameras">${u?"Done":"Cancel"}</a>
      </div>
    </form>
    ${(u??e)&&s`<section class="card" aria-labelledby="test-h"><h2 id="test-h">Connection</h2>
      <p class="muted">${u?"The camera was added. This is what it answers:":"Tests what is saved, not what is typed above."}</p>
      <${V} key=${u?.id??e.id} id=${u?.id??e.id} auto=${!!u} /></section>`}
  </main>`}function Z({v:e,set:t,errors:r}){return s`<div class="pair">
    <div class="field ${r.vendor?"field-bad":""}"><label for="vendor">Maker</label>
      <div class="field-box"><select id="vendor" value=${e.vendor} data-testid="camera-vendor" aria-invalid=${r.vendor?"true":void 0} aria-describedby=${r.vendor?"vendor-error":void 0}
        onChange=${a=>t("vendor")(a.target.value)}>
        <option value="" selected=${!e.vendor}>Choose…</option>
        ${Q.map(a=>s`<option value=${a.value} key=${a.value} selected=${e.vendor===a.value}>${a.label}</option>`)}
      </select></div>
      ${r.vendor&&s`<p class="field-error" id="vendor-error"><${m} name="warn" size=${16} />${r.vendor}</p>`}
    </div>
    <${b} id="address" label="Address" value=${e.address} onInput=${t("address")} error=${r.address} mono placeholder="192.168.1.64" testid="camera-address"
      hint="IP address or name; with :port if it is not 554." />
  </div>`}function ee({v:e,set:t,errors:r}){let a=(v.value.system.volumes??[]).map(n=>n.name??"").filter(Boolean);return a.length<2||!e.record?null:s`<div class="pair">
    <${z} id="volume" label="Disk" value=${e.volume} onPick=${t("volume")} error=${r.volume} none="Any, by room" names=${a} />
    <${z} id="mirror" label="Second copy" value=${e.mirror} onPick=${t("mirror")} error=${r.mirror} none="None" names=${a.filter(n=>n!==e.volume)} />
  </div>`}function z({id:e,label:t,value:r,onPick:a,error:n,none:o,names:l}){return s`<div class="field ${n?"field-bad":""}"><label for=${e}>${t}</label>
    <div class="field-box"><select id=${e} data-testid="camera-${e}" aria-invalid=${n?"true":void 0} aria-describedby=${n?`${e}-error`:void 0}
      onChange=${d=>a(d.target.value)}>
      <option value="" selected=${!r}>${o}</option>
      ${l.map(d=>s`<option value=${d} key=${d} selected=${r===d}>${d}</option>`)}
    </select></div>
    ${n&&s`<p class="field-error" id="${e}-error"><${m} name="warn" size=${16} />${n}</p>`}
  </div>`}function ae({v:e,set:t,errors:r}){return s`<${b} id="main_url" label="Main stream, recorded" value=${e.main} onInput=${t("main")} error=${r.main_url} mono placeholder="rtsp://192.168.1.64:554/stream1" testid="camera-main-url" />
    <${b} id="sub_url" label="Sub stream, for the grid" required=${!1} value=${e.sub} onInput=${t("sub")} error=${r.sub_url} mono placeholder="rtsp://192.168.1.64:554/stream2" testid="camera-sub-url"
      hint="A smaller H.264 picture. It saves the network and shows where H.265 cannot." />`}var U=e=>e&&setTimeout(()=>document.getElementById(e)?.focus());function Be(){let e=A.value,t=F.value.arg,r=e.find(a=>a.id===t);return t==="new"?s`<${B} key="new" />`:r?s`<${B} key=${r.id} camera=${r} />`:s`<main id="main" class="screen">
    <header class="screen-head"><h1 tabIndex=${-1}>Cameras</h1>
      <a class="button primary" href="#/cameras/new" data-testid="camera-add"><${m} name="plus" /><span>Add a camera</span></a></header>
    ${e.length===0?s`<${M} title="No cameras yet"><p>You need the camera's address on your network, its user name and its password.</p><//>`:s`<ul class="cams">${e.map(a=>s`<${se} key=${a.id} c=${a} />`)}</ul>`}
  </main>`}function K(e){return[e.codec&&I(e.codec),e.width&&e.height?`${e.width} × ${e.height}`:"",e.fps?`${Math.round(e.fps*10)/10} fps`:"",e.bitrate_bps?D(e.bitrate_bps):""].filter(Boolean).join(" · ")}function te(e){let t=e.last_written?Date.parse(e.last_written):NaN;return Number.isFinite(t)?`Last recorded ${N(P.value-t)}`:"No picture seen yet"}function se({c:e}){let[t,r]=i(!1),[a,n]=i(!1);return s`<li class="cam" data-testid="camera-${e.id}">
    <div class="cam-main">
      <h2>${e.name}</h2>
      <${j} state=${e.state} />
      ${e.state_reason&&e.state!=="recording"&&s`<p class="cam-why cam-why-${e.state}">${_(e.state_reason)}</p>`}
      <p class="cam-facts">${H(e)&&K(e)||s`<span class="muted">${te(e)}</span>`}</p>
      <p class="cam-url mono">${e.main_url||e.address||""}</p>
    </div>
    <div class="cam-tools">
      <${x} icon="probe" label="Test" text onClick=${()=>n(!0)} disabled=${w.value} testid="camera-test-${e.id}" />
      <a class="ib ib-text" href="#/cameras/${encodeURIComponent(e.id)}" data-testid="camera-edit-${e.id}"><${m} name="edit" /><span>Edit</span><span class="sr"> ${e.name}</span></a>
      <${x} icon="trash" label="Remove" text onClick=${()=>r(!0)} disabled=${w.value} testid="camera-delete-${e.id}" />
    </div>
    ${a&&s`<${re} c=${e} onClose=${()=>n(!1)} />`}
    ${t&&s`<${ie} c=${e} onClose=${()=>r(!1)} />`}
  </li>`}function re({c:e,onClose:t}){return s`<${S} title="Test ${e.name}" onClose=${t} testid="test-dialog"><${V} id=${e.id} auto /><//>`}function V({id:e,auto:t=!1}){let[r,a]=i(!1),[n,o]=i(null),[l,d]=i(!1),g=async()=>{a(!0),o(null);try{o(await h.test(e))}catch(u){o({ok:!1,reason:u.message})}finally{a(!1)}};return t&&!l&&(d(!0),g()),s`<div class="test" data-testid="test-result" data-ok=${n?String(W(n)):""}>
    <div role="status" aria-live="polite">
      ${r&&s`<p class="test-wait"><i class="spin" aria-hidden="true"></i>Opening the stream. This takes up to 12 seconds.</p>`}
      ${n&&s`<${oe} r=${n} />`}
    </div>
    ${!r&&s`<button type="button" class="button" onClick=${g}>${n?"Test again":"Test the connection"}</button>`}
  </div>`}var W=e=>e.ok??!(e.error||e.reason);function ne(e){return e.reason?e.reason:typeof e.error=="string"?e.error:e.error?.message??"The camera sent no picture."}function oe({r:e}){let t=W(e),r=e.audio===!0?"yes":e.audio?I(e.audio):"none";return s`
    <p class="verdict ${t?"verdict-ok":"verdict-bad"}"><${m} name=${t?"check":"cross"} /><b>${t?"The camera answers and sends a picture":"No picture"}</b></p>
    ${e.steps?.length?s`<ol class="steps">${e.steps.map(a=>s`<li key=${a.name} class=${a.ok?"step-ok":"step-bad"}>
      <${m} name=${a.ok?"check":"cross"} size=${16} /><span><span class="sr">${a.ok?"Passed: ":"Failed: "}</span>${a.name}${a.detail&&s` <em>${a.detail}</em>`}${!a.ok&&a.hint&&s`<small>${a.hint}</small>`}</span>
      ${a.ms!==void 0&&s`<span class="mono muted">${a.ms} ms</span>`}</li>`)}</ol>`:null}
    ${t?s`<dl class="facts"><div><dt>Video</dt><dd>${K(e)||"not reported"}</dd></div><div><dt>Audio</dt><dd>${r}</dd></div>
          ${typeof e.ms=="number"&&s`<div><dt>Took</dt><dd>${(e.ms/1e3).toFixed(1)} s</dd></div>`}</dl>`:s`<p>${_(ne(e))}</p>`}`}function ie({c:e,onClose:t}){let[r,a]=i(!1),[n,o]=i(""),l=async()=>{a(!0),o("");try{await h.remove(e.id),v.value=k(v.value,{v:1,t:"camera.removed",d:{id:e.id}},Date.now()),C("good",`${e.name} was removed.`),t(),T("cameras")}catch(d){o(d.message),a(!1)}};return s`<${S} title="Remove ${e.name}?" onClose=${t} testid="remove-dialog">
    <p>Vedette stops recording this camera and forgets its address and password.</p>
    <p class="muted">Its footage is no longer shown here, and stays on the disk until it is the oldest there. Download what you need first.</p>
    <div role="alert">${n&&s`<p class="form-error"><${m} name="warn" />${n}</p>`}</div>
    <div class="dialog-foot">
      <button type="button" class="button" onClick=${t}>Keep it</button>
      <button type="button" class="button danger" onClick=${l} disabled=${r} data-testid="remove-confirm">${r?"Removing…":"Remove camera"}</button>
    </div>
  <//>`}export{V as CameraTest,Be as CamerasScreen,K as facts};
